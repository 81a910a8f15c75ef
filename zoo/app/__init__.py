"""The studio: boxes of photos, what is learned of them, and what else the zoo can do, in the browser of this machine.

The server (`server`, `routes`) opens no picture and no model. Programs of the pool (`pool`, `worker`, `jobs`) do,
within limits of memory and time. `guards` decides who is answered, `store` is what lies on the disk, `pages/` what
people see.
"""
