"""The pure core: values in, values out. No clock, environment, disk, git or network."""
