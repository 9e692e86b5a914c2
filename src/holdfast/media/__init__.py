"""Reading text off pictures, where the extra `media` is installed (`pip install 'holdfast[media]'`).

    picture.py   bytes ─▶ pixels, or why not
    ocr.py       pixels ─▶ text; the program of the reading process
    process.py   that process: limited, watched and started anew

Pictures come from strangers, and what decodes them is written in C: it runs in a process of its own that holds
nothing worth taking, and that may be killed.
"""
