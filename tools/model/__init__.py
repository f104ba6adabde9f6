"""The network and its checkpoint: reading weights, exporting to ONNX, facts about the exported file."""
