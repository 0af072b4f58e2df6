// Reads what `tcpdump -w` writes (pcap, in the byte order of this machine): the captured frames, one after the other.
// A frame that is not whole yet, at the end of a capture that goes on, is left out.

const MAGIC = 0xa1b2c3d4;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_LINKS = 1;

/** Throws RangeError for bytes that are no capture of Ethernet frames. */
export function readPcap(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER || view.getUint32(0, true) !== MAGIC)
    throw new RangeError('no pcap file of this machine’s byte order');
  if (view.getUint32(20, true) !== ETHERNET_LINKS) throw new RangeError('no capture of Ethernet frames');
  const frames: Uint8Array[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length;) {
    const length = view.getUint32(at + 8, true);
    const end = at + RECORD_HEADER + length;
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  return frames;
}
