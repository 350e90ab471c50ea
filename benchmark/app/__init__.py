"""A web page on this machine that asks candidates about recordings (extra `app`: Gradio)."""
