"""The pages' code: the only package that imports Streamlit."""
