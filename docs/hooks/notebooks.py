"""Runs the notebooks and makes a page of each, with its results.

The sources are Python files in Jupytext's percent format. A notebook that raises an
error ends the build. Results are kept in `build/notebooks` until the notebook or the
package changes, so that a site that is served is built again in seconds.
"""

import hashlib
import pathlib
import posixpath

import jupytext
import nbformat
from mkdocs.structure.files import File
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
KEPT = ROOT / "build" / "notebooks"
SECONDS = 600  # that a cell may take
# Where `mkdocs gh-deploy` puts the site: Colab opens notebooks of a repository.
BRANCH = "gh-pages"


def on_files(files, config):
    for path in SOURCES:
        name = f"notebooks/{path.stem}"
        notebook = executed(path)
        body, resources = MarkdownExporter().from_notebook_node(
            notebook,
            resources={"output_files_dir": path.stem, "unique_key": path.stem},
        )
        for picture, content in resources["outputs"].items():
            files.append(
                File.generated(
                    config,
                    posixpath.join("notebooks", picture),
                    content=content,
                )
            )
        text = with_links(body, path.stem, config.repo_url)
        files.append(File.generated(config, f"{name}.md", content=text))
        text = nbformat.writes(to_open(path, config.repo_url))
        files.append(File.generated(config, f"{name}.ipynb", content=text))
    return files


def executed(path):
    """Returns the notebook of a source with its results."""
    kept = KEPT / f"{path.stem}-{digest(path)}.ipynb"
    if not kept.exists():
        notebook = jupytext.read(path)
        where = {"metadata": {"path": str(ROOT)}}
        NotebookClient(notebook, timeout=SECONDS, resources=where).execute()
        without_logs(notebook)
        KEPT.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, kept)
    return nbformat.read(kept, as_version=4)


def without_logs(notebook):
    """Removes what libraries log of the machine that ran the notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def digest(path):
    """Returns a digest of a notebook and of all that it may call."""
    found = hashlib.sha256()
    for source in [path, *sorted((ROOT / "fsl_keras").rglob("*.py"))]:
        found.update(source.read_bytes())
    return found.hexdigest()[:16]


def to_open(path, repo_url):
    """Returns the notebook that readers open, which installs the package first."""
    notebook = jupytext.read(path)
    if repo_url:
        install = nbformat.v4.new_code_cell(f"%pip install -q git+{repo_url}")
        notebook.cells.insert(0, install)
    return notebook


def with_links(text, name, repo_url):
    """Puts links to the notebook below the title of its page."""
    links = [f"[Download the notebook]({name}.ipynb){{ .md-button download }}"]
    if repo_url:
        repository = repo_url.rstrip("/").split("github.com/")[-1]
        colab = f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}"
        links.append(f"[Open in Colab]({colab}/notebooks/{name}.ipynb){{ .md-button }}")
    title, rest = text.lstrip().split("\n", 1)
    return f"{title}\n\n{' '.join(links)}\n{rest}"
