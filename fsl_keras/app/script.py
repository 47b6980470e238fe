"""The script of the page."""

# Gradio says nothing if there is no camera or the browser refuses it.
CAMERA = """
() => {
  const usual = "“Record” starts the camera. Without one, use “Picture”.";
  const instead = " Use “Picture” to choose a file instead.";
  const reasons = {
    NotFoundError: "There is no camera.",
    NotAllowedError: "The browser does not let this page use the camera: allow it " +
      "beside the address of the page.",
    NotReadableError: "The camera is used by another program: close that one.",
    insecure: "The browser lets no page use the camera whose address begins with " +
      "http://, unless it is on this machine.",
  };
  const say = (text) => {
    const note = document.getElementById("camera-note");
    if (note) note.textContent = text;
  };
  const media = navigator.mediaDevices;
  if (!media) {
    say(reasons.insecure + instead);
    return;
  }
  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    try {
      const stream = await ask(wanted);
      say(usual);
      return stream;
    } catch (error) {
      say((reasons[error.name] || "The camera cannot be used.") + instead);
      throw error;
    }
  };
}
"""
