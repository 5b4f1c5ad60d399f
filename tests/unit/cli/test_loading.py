"""Loading of modules without searches for garbage."""

import gc
from contextlib import suppress

from harness.cli.loading import loading


def test_garbage_is_collected_again_after_loading_even_if_that_fails():
    gc.unfreeze()
    with suppress(ImportError), loading():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
