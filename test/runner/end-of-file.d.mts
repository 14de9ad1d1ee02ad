export declare const atEndOfFile: Set<() => void>;
