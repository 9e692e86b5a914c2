"""Perspective's wire format, `v1alpha1`, over the engine of `/v1/decide`.

wire.py        what is sent and answered        discovery.py   the document that Google's clients read first
errors.py      refusals, as Google tells them   html.py        what a reader sees of a comment in HTML
door.py        keys, CORS, bodies, refusals     sentences.py   where sentences stand, in UTF-16 code units
analyze.py     comments:analyze                        suggest.py     comments:suggestscore
"""
