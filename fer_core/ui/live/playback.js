// Shows the pictures of a playback: asks for the next when the last is drawn, until there are no
// more. That it asks tells Python that somebody watches.

const RETRY_MS = 500;

class Screen {
  constructor(root) {
    this.hint = root.querySelector("div");
    this.poster = root.querySelector("img");
    this.canvas = root.querySelector("canvas");
    this.token = "";
  }

  // Python has run the page again.
  update({ token, poster }) {
    if (poster) this.poster.src = poster;
    if (token && token === this.token) return;
    this.token = token;
    this.canvas.hidden = true;
    this.poster.hidden = !poster;
    this.hint.hidden = Boolean(poster);
    if (token) this.play(token);
  }

  async play(token) {
    let after = "";
    while (this.token === token) {
      try {
        const answer = await fetch(`/playback/${token}?after=${after}`, { cache: "no-store" });
        if (answer.status === 410) break;
        if (answer.status === 204) continue;
        if (answer.status !== 200) throw new Error(answer.statusText);
        const picture = await createImageBitmap(await answer.blob());
        if (this.token === token) this.draw(picture);
        after = answer.headers.get("X-Time-S");
      } catch {
        // The line is down, or the server is. Python ends it when it hears nothing for a while.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    if (this.token === token) this.setTriggerValue("ended", token);
  }

  draw(picture) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
    }
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    this.canvas.hidden = false;
    this.poster.hidden = this.hint.hidden = true;
    picture.close();
  }

  end() {
    this.token = "";
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-playback");
  // Streamlit calls this again with each new data: what plays must go on.
  root.fer ??= new Screen(root);
  root.fer.setTriggerValue = setTriggerValue;
  root.fer.update(data);
  return () => root.fer.end();
}
