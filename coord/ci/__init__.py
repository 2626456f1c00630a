"""What the jobs of the workflows do, one file a verb of ``coord ci``; the same engine as ``coord land``."""
