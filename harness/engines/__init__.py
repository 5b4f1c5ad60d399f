"""Where chunks are trained: threads here; another kind of engine is another module.

An engine has `submit(chunk)`; `completed(timeout)`, which yields chunks with their results in the
order in which they end; `in_flight`, the number of those that are not yet handed out; and
`close()`. It knows neither networks nor files: it is given a function.
"""
