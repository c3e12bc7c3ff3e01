"""The log folded again from its beginning, by the same pure core, without Faust and without any way to NetSuite.

`source` says where records come from, `folding` takes them into states in memory, `outputs` writes what followed,
`run` does it for many partitions on all cores.
"""
