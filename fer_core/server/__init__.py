"""What answers HTTP beside the pages. Knows no Streamlit."""
