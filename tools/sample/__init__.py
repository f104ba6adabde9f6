"""The embedded sample: images, labels and a checkpoint that are made on the spot."""
