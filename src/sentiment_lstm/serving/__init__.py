"""The HTTP service. It offers models through interfaces that existing clients use.

`app` joins the routes, `limits` checks requests, `models` and `scorer` do the work.
"""
