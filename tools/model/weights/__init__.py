"""The weights of an ONNX file held against the checkpoint."""
