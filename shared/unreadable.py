"""What Pillow raises for files that make no sense: much more than OSError."""

import struct
import zlib

from PIL import ImageCms

UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
)
