"""The data set: labels, images, the preprocessing recipe, pixels, bins and the .info list."""
