// The shared folder of a session, as the server has it (tsgateway/api/files.py).

import { ApiError, request } from "../api.js";

export class FileServer {
  #base;

  constructor(session) {
    this.#base = `sessions/${encodeURIComponent(session)}/files`;
  }

  // → {path, files: [{name, folder, bytes, changed}], unfinished, used, quota, mounted}
  list = (path, signal) => request("GET", `${this.#base}?path=${encodeURIComponent(path)}`, undefined, signal);
  makeFolder = (folder, path) => request("POST", `${this.#base}/folder`, { folder, path });
  rename = (path, folder, name) => request("POST", `${this.#base}/name`, { path, folder, name });
  remove = (path) => request("DELETE", `${this.#base}?path=${encodeURIComponent(path)}`);
  checksum = (path) => request("GET", `${this.#base}/checksum?path=${encodeURIComponent(path)}`);

  // Where a file can be had from: the browser's own download takes it to the disk, and up again after a cut.
  address = (path) => `/api/v1/${this.#base}/content?path=${encodeURIComponent(path)}`;

  // what: {folder, path, size, changed} → {id, offset, sha256}
  begin = (what, signal) => request("POST", `${this.#base}/uploads`, what, signal);
  end = (id, sha256, signal) => request("POST", `${this.#base}/uploads/${id}/end`, { sha256 }, signal);
  cancel = (id, signal = undefined) => request("DELETE", `${this.#base}/uploads/${id}`, undefined, signal);

  // → {offset}
  async piece(id, offset, bytes, signal) {
    const path = `/api/v1/${this.#base}/uploads/${id}?offset=${offset}`;
    const headers = { "Content-Type": "application/octet-stream", Accept: "application/json" };
    let response;
    try {
      response = await fetch(path, { method: "PUT", body: bytes, headers, credentials: "same-origin", signal });
    } catch {
      throw new ApiError(0, "unreachable", "The server cannot be reached.");
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const { code = "error", message = `The server answered ${response.status}.` } = answer.error ?? {};
    throw new ApiError(response.status, code, message);
  }
}
