"""`POST /v1/moderations`: OpenAI's moderation format over Holdfast's engine.

`wire.py` is the format, `categories.py` what its categories mean here, `images.py` and `remote.py` where
pictures come from, `errors.py` its refusals, `handler.py` the route.
"""
