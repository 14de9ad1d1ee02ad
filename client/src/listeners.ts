/** Listeners of one kind. A listener that throws stops neither the others nor the caller: its error is reported. */
export class Listeners<Value = void> {
  private readonly all = new Set<(value: Value) => void>();

  /** Adds a listener. Returns the function that removes it. */
  add(listener: (value: Value) => void): () => void {
    // The same function may be added twice; each addition is removed by itself.
    const own = (value: Value) => listener(value);
    this.all.add(own);
    return () => void this.all.delete(own);
  }

  tell(value: Value): void {
    for (const listener of this.all) {
      try {
        listener(value);
      } catch (error) {
        reportError(error);
      }
    }
  }

  get size(): number {
    return this.all.size;
  }
}

function reportError(error: unknown): void {
  const scope = globalThis as { reportError?: (error: unknown) => void };
  if (scope.reportError) scope.reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}
