"""What torchvision, timm or a network of one's own say of themselves: facts that a port is drafted from."""
