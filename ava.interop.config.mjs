// The interop tests alone; `npm test` leaves them out because they need Go.
export default {
  files: ['dist/test/interop/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '2m',
};
