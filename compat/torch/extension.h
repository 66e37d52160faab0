// libtorch's include path of extensions to Python.
#error "reel has no Python interface: include <torch/torch.h>"
