/** One open chat connection. */
export interface ChatConnection {
  id: string;
  roomArn: string;
  userId: string;
  /** Milliseconds since 1970, by the emulator's clock. */
  connectedAt: number;
  sessionExpiresAt: number;
  /** Sends the JSON text of a frame. */
  send(frame: string | Buffer): void;
  /** Closes with a closing handshake. The official client then does not reconnect. */
  close(reason: string): void;
  /** Closes without a closing handshake. The official client then reconnects with a new token. */
  cut(): void;
}

/** The open chat connections of every room. */
export class ChatRooms {
  readonly #rooms = new Map<string, Map<string, ChatConnection>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(connection: ChatConnection): void {
    const room = this.#rooms.get(connection.roomArn) ?? new Map<string, ChatConnection>();
    this.#rooms.set(connection.roomArn, room);
    room.set(connection.id, connection);
    this.#count += 1;
  }

  remove(connection: ChatConnection): void {
    const room = this.#rooms.get(connection.roomArn);
    if (!room?.delete(connection.id)) return;
    this.#count -= 1;
    if (room.size === 0) this.#rooms.delete(connection.roomArn);
  }

  /** The connections of one room, or of all rooms. */
  list(roomArn?: string): ChatConnection[] {
    const rooms = roomArn === undefined ? [...this.#rooms.values()] : [this.#rooms.get(roomArn)];
    return rooms.flatMap((room) => Array.from(room?.values() ?? []));
  }

  /** Sends a frame to every connection of a room. The frame is encoded once for all of them. */
  broadcast(roomArn: string, frame: object): void {
    const text = Buffer.from(JSON.stringify(frame));
    for (const connection of this.#rooms.get(roomArn)?.values() ?? []) connection.send(text);
  }

  /** Closes every connection of a room with a closing handshake. */
  closeRoom(roomArn: string, reason: string): void {
    for (const connection of this.list(roomArn)) connection.close(reason);
  }
}
