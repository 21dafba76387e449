export declare function pack(
  directory: string,
  destination: string,
): Promise<{ tarball: string; files: string[] }>
