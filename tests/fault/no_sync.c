// A disk that says "synced" and is not: for the control of the power cut.
int fsync(int fd) { (void)fd; return 0; }
int fdatasync(int fd) { (void)fd; return 0; }
int sync_file_range(int fd, long long offset, long long bytes, unsigned flags) {
  (void)fd; (void)offset; (void)bytes; (void)flags;
  return 0;
}
