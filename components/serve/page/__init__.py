"""The page at `/`, for people: plain HTML, CSS and JavaScript modules from this folder, and two JSON endpoints.

    GET  /              the page for a browser (`Accept: text/html`); KServe's V1 liveness for everyone else
    GET  /page/{file}   its style, scripts and icon
    GET  /page/about    what is served: the model, the engines, examples in minimal pairs
    POST /page/answer   {"integrand": "x*exp(x^2)", "solve": false}: everything the page shows of one integrand

The answer to the last is the integrand as MathML, LaTeX and SymPy text, the tree that the model reads, the model's
probability and its record in words, and, if asked to solve, the algebra's finding. It comes by the same way as V1's, so
that the same limits hold; text that is no expression gets 400 with `error` and `position`.
"""

from intclass.components.serve.page.answers import Answers
from intclass.components.serve.page.routes import add_page

__all__ = ["Answers", "add_page"]
