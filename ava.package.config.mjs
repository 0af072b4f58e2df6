// The tests of the installed package alone; `npm test` leaves them out because they fetch a Debian root the first time.
export default {
  files: ['dist/test/packaging/**/*.root.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '20m',
};
