"""The stylesheet of the page."""

CSS = """
.gradio-container { max-width: 1100px !important; margin: 0 auto; }
#top { align-items: center; }
#top { flex-wrap: nowrap; }
#top h1 { font-size: 1.4rem; font-weight: 600; margin: 0; }
#undo { flex-grow: 0; }
h2 { font-size: 1.1rem; font-weight: 600; margin: 0.4rem 0 0; }
#status, #note, #accuracy { padding: 0; }
#status p, #note p, #accuracy p { margin: 0; white-space: pre-line; }
#status p { font-weight: 500; overflow-wrap: anywhere; }
.bottom { align-items: end !important; }
#corrections { flex-wrap: wrap; gap: 0.4rem; }
#corrections button { flex-grow: 0; max-width: 100%; overflow-wrap: anywhere; }
#gallery .grid-container {
  grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)) !important;
}
#gallery .caption-label { white-space: normal; max-width: 100%; font-size: 0.75rem; }
#texts .wrap {
  flex-direction: column; flex-wrap: nowrap; gap: 0.3rem;
  max-height: 330px; overflow-y: auto;
}
#texts label { flex-shrink: 0; overflow-wrap: anywhere; }
#confusion { max-width: 480px; }
footer { display: none !important; }
:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
"""
