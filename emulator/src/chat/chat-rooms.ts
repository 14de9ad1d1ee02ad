/** One open chat connection, as the rest of the emulator sees it. */
export interface ChatConnection {
  id: string;
  roomArn: string;
  userId: string;
  /** Milliseconds since 1970, by the emulator's clock. */
  connectedAt: number;
  sessionExpiresAt: number;
  /** Sends text that is a frame already. */
  send(frame: string | Buffer): void;
  /** Closes with a closing handshake: the official client takes it as final and does not come back. */
  close(reason: string): void;
  /** Cuts the connection off: the official client comes back with a new token. */
  cut(): void;
}

/** Who is connected to which room. */
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

  /** The connections of one room, or of all. */
  list(roomArn?: string): ChatConnection[] {
    const rooms = roomArn === undefined ? [...this.#rooms.values()] : [this.#rooms.get(roomArn)];
    return rooms.flatMap((room) => Array.from(room?.values() ?? []));
  }

  /** Sends a frame to everybody in a room; it is written and encoded once, however many they are. */
  broadcast(roomArn: string, frame: object): void {
    const text = Buffer.from(JSON.stringify(frame));
    for (const connection of this.#rooms.get(roomArn)?.values() ?? []) connection.send(text);
  }

  /** Closes the connections of a room, in good order. */
  closeRoom(roomArn: string, reason: string): void {
    for (const connection of this.list(roomArn)) connection.close(reason);
  }
}
