"""Where runs are done: one `interface`, in this process (`here`) or in others (`workers`, `work`).

An engine knows neither the store nor the sampler: it takes a spec and gives a record.
"""
