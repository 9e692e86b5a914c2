"""Files in, decisions out: readers, writers and the resumable run between them."""
