// What people drop: files, and folders with all that is in them.

// [{file, folder}], the folder being the one that a file lies in, "" where it was dropped by itself.
export async function filesOf(transfer) {
  const dropped = [...transfer.items].filter((item) => item.kind === "file"); // gone after the first wait
  const each = dropped.map((item) => ({
    file: item.getAsFile(),
    entry: item.webkitGetAsEntry?.(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }));
  const all = await Promise.all(
    each.map(async ({ file, entry, handle }) => {
      if (!entry?.isDirectory) return { file, folder: "" };
      // of a page that was opened from a file, Chromium opens a folder's handle and not its entry, others the entry alone
      const folder = await handle;
      const found = await (folder ? inHandle(folder) : inEntry(entry));
      return found.filter((each) => isPicture(each.file));
    }),
  );
  return all.flat();
}

async function inHandle(folder) {
  const found = [];
  for await (const each of folder.values()) {
    if (each.kind === "directory") found.push(...(await inHandle(each)));
    else found.push({ file: await each.getFile(), folder: folder.name });
  }
  return found;
}

async function inEntry(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) {
      if (each.isDirectory) found.push(...(await inEntry(each)));
      else found.push({ file: await new Promise((resolve, reject) => each.file(resolve, reject)), folder: folder.name });
    }
  }
}

// The same of an input for folders.
export function inFolders(files) {
  const pictures = files.filter(isPicture);
  return pictures.map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) ?? "" }));
}

const isPicture = (file) => file.type.startsWith("image/"); // folders hold other things, too
