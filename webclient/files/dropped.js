// What was dropped: files, and folders with all that is in them.

const MOST = 10_000; // files of one drop

// To be called while the drop is handled. → {files: [{path, file}], folders: [path], tooMany}
export async function dropped(transfer) {
  const entries = [...transfer.items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry?.());
  const found = { files: [], folders: [], tooMany: false };
  if (entries.some((entry) => !entry)) {
    found.files = [...transfer.files].map((file) => ({ path: file.name, file }));
    return found;
  }
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

// files: a FileList of an input; those of a chosen folder say where they were in it.
export function chosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function walk(entry, above, found) {
  if (found.files.length + found.folders.length >= MOST) {
    found.tooMany = true;
    return;
  }
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) {
    found.files.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  const reader = entry.createReader();
  let isEmpty = true;
  for (;;) { // browsers give a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    isEmpty = false;
    for (const each of some) await walk(each, path, found);
  }
  if (isEmpty) found.folders.push(path);
}
