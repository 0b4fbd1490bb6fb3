"""What the dashboard can tell, what it cannot, and what it must not be used for."""

import streamlit as st

from fer_core.ui.shared.storage_time import copies_for, saved_until

st.title("About")
st.markdown(
    "FER Dashboard finds faces in photos, videos and live pictures and shows **what each face "
    "looks like to a neural network**: shares of anger, disgust, fear, happiness, sadness, "
    "surprise and neutral that sum to 100%."
)

can, cannot = st.columns(2, gap="large")
with can:
    st.subheader("What it can tell")
    st.markdown(
        "- Where faces are in a picture, and how sure the detector is.\n"
        "- Which of seven posed or spontaneous **expressions** a face resembles, compared with "
        "thousands of pictures that people labelled by looking at them.\n"
        "- How that changes over the seconds of a live stream, and against the same face at rest.\n"
        "- How the features of a face move: brows, lids, mouth and jaw, as **action units** that a "
        "network derives and no trained coder has checked.\n"
        "- Whether a face is turned to the camera with its eyes open, and roughly where they look."
    )
with cannot:
    st.subheader("What it cannot tell")
    st.markdown(
        "- What a person feels, thinks, wants or hides. A smile can be polite, nervous or put on; "
        "a resting face can look sad to a network "
        "([Barrett et al., 2019](https://doi.org/10.1177/1529100619832930)).\n"
        "- Whether somebody lies, is ill, tired or attentive, or is fit for a job.\n"
        "- Anything with the same accuracy for everyone: the training pictures come from the web, "
        "and accuracy across age, skin tone and culture has not been measured."
    )

how, privacy = st.columns(2, gap="large")
how.subheader("How it works")
how.markdown(
    "1. **Face detection**: YuNet or Scout, small networks, or OpenCV's Haar cascade.\n"
    "2. **Landmarks**: a network trained by this project marks 68 points and the irises, estimates "
    "how likely it is that this is a face at all, and measures 52 movements of its features. The "
    "turn of the head, the gaze, blinks and action units come from them. In a stream, the points "
    "also show where to look in the next frame.\n"
    "3. **Expression**: the grey square around each face goes through DeepFace's pretrained "
    "network or through the compact network that ships with the dashboard.\n\n"
    "The [Models](/models) page shows which are in use, where they come from and how accurate "
    "they were when measured."
)
privacy.subheader("Privacy")
privacy.markdown(
    "- Pictures and video are analysed **on the computer that runs the dashboard** and are sent "
    "nowhere else. If somebody else runs it for you, that is their computer.\n"
    "- **Nothing is stored unless you ask for it.** Pictures are held in memory until "
    "you leave their page, the numbers of a live session until you close the browser tab. If you "
    f"switch on “Save to history”, numbers and times are stored on that computer {saved_until()}; "
    "the only picture is a small one of a video, if you ask for it. Everybody who uses the same "
    "access password shares one history; accounts have their own. Camera pictures are never "
    "stored.\n"
    "- The copy of a **video** you add stays on that computer until you remove it, "
    f"{copies_for()} at most, so that you can replay its moments.\n"
    "- The only data it fetches by itself are the networks' files, once, if they are missing."
)

st.subheader("Where it must not be used")
st.markdown(
    "- In the European Union, inferring emotions of people **at work or in education** is "
    "prohibited, except for medical or safety reasons: "
    "[AI Act, Article 5(1)(f)](https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_5).\n"
    "- Elsewhere in the Union, **people must be told** that such a system looks at them: "
    "[Article 50(3)](https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_50). "
    "Tell them anyway, wherever you are, and ask first.\n"
    "- Never base a decision about a person on these numbers: not on hiring, grades, insurance, "
    "credit, policing, borders or treatment."
)
