// The camera, where the browser lets a page use it: on https and localhost.

const REASONS = {
  NotAllowedError: "this page was not allowed to",
  NotFoundError: "there is none",
  NotReadableError: "another program uses it",
};

// Connects the elements of the page. `onPicture` gets a Blob, `onError` a
// sentence.
export function connectCamera(onPicture, onError) {
  const open = document.querySelector("#camera");
  const frame = document.querySelector("#viewfinder");
  const video = frame.querySelector("video");
  const take = frame.querySelector("#take");
  if (!navigator.mediaDevices?.getUserMedia) return;
  open.hidden = false;

  const stop = () => {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    frame.hidden = true;
    open.disabled = false;
    open.focus();
  };
  open.addEventListener("click", async () => {
    open.disabled = take.disabled = true;
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
      });
      frame.hidden = false;
      await video.play(); // Before, there is no picture to take.
      take.disabled = false;
      take.focus();
    } catch (error) {
      stop();
      const reason = REASONS[error.name] ?? error.message;
      onError(`The camera cannot be used: ${reason}.`);
    }
  });
  take.addEventListener("click", async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    onPicture(await canvas.convertToBlob());
  });
  frame.querySelector("#close").addEventListener("click", stop);
}
