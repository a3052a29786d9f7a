"""Images: decoding, perceptual hashes, near-duplicates, sharpness, licences."""
