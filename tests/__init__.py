"""A package of its own: OpenRLHF installs one of the same name, which would be found first."""
