/** What is to be done when a test file has ended, as modules that its worker has loaded ask for. A failure fails the file. */
export const atEndOfFile = new Set();
