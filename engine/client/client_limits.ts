/**
 * Heap that decoding one answer may take. An answer comes from a broker that the user chose, and
 * metadata of many thousand partitions is legitimate: wider than a broker's limit for requests.
 */
export const RESPONSE_HEAP_BYTES_MAX = 512 * 1024 * 1024;
