import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Settings } from '../config.ts';

/** A place outside of the database where records are kept. */
export interface Archive {
  /** Stores a whole file. The same name again replaces it. It is stored for good when this returns. */
  put(name: string, text: string): Promise<void>;
  /**
   * Stores a whole file, for good, unless there is one with this name. Of several at once, one does so.
   * @returns whether it was stored.
   */
  create(name: string, text: string): Promise<boolean>;
  /** The text of a file; undefined: there is none. */
  read(name: string): Promise<string | undefined>;
  /** The name that follows `after` in the order of their bytes; undefined: none does. */
  nextName(after: string): Promise<string | undefined>;
}

export interface ArchiveOptions {
  /** Region of a bucket. */
  region: string;
  /** Address of the S3 API, if it is not that of AWS. */
  endpoint: string | undefined;
}

/** The archive of the audit log, if the deployment has one. */
export function archiveOf({ auditArchiveUrl, auditArchiveEndpoint: endpoint, region }: Settings): Archive | undefined {
  return auditArchiveUrl === undefined ? undefined : archiveAt(auditArchiveUrl, { region, endpoint });
}

/** @param url a folder (`file:///var/lib/stagedoor/audit`) or a bucket, with a prefix or without (`s3://bucket/prefix`). */
export function archiveAt(url: string, options: ArchiveOptions): Archive {
  return url.startsWith('s3://') ? new BucketArchive(url, options) : new FolderArchive(fileURLToPath(url));
}

/** Files in a folder. */
class FolderArchive implements Archive {
  constructor(private readonly folder: string) {}

  async put(name: string, text: string): Promise<void> {
    const { file, unfinished } = await this.write(name, text);
    await rename(unfinished, file);
    await syncFolder(path.dirname(file));
  }

  async create(name: string, text: string): Promise<boolean> {
    const { file, unfinished } = await this.write(name, text);
    try {
      await link(unfinished, file); // fails if there is such a file
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    } finally {
      await rm(unfinished, { force: true });
    }
    await syncFolder(path.dirname(file));
    return true;
  }

  async read(name: string): Promise<string | undefined> {
    return await readFile(path.join(this.folder, name), 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
  }

  async nextName(after: string): Promise<string | undefined> {
    return await this.nextIn('', after);
  }

  private async nextIn(folder: string, after: string): Promise<string | undefined> {
    const entries = await readdir(path.join(this.folder, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    });
    const names = entries
      .filter((entry) => !entry.name.endsWith('.unfinished'))
      .map((entry) => ({ name: `${folder}${entry.name}`, isFolder: entry.isDirectory() }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1));
    for (const { name, isFolder } of names) {
      // A folder comes before what is in it, and may hold what follows.
      if (name <= after && !(isFolder && after.startsWith(`${name}/`))) continue;
      // oxlint-disable-next-line no-await-in-loop -- almost always the first one has it
      const found = isFolder ? await this.nextIn(`${name}/`, after) : name;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Writes a file under a name of its own. */
  private async write(name: string, text: string): Promise<{ file: string; unfinished: string }> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    const unfinished = `${file}.${randomUUID()}.unfinished`;
    const handle = await open(unfinished, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { file, unfinished };
  }
}

/** Makes names in a folder last. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Objects in a bucket of S3. */
class BucketArchive implements Archive {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;

  constructor(url: string, { region, endpoint }: ArchiveOptions) {
    const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(url) ?? [];
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
    this.client = new S3Client({
      region,
      maxAttempts: 3,
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 1_000,
        requestTimeout: 10_000,
        throwOnRequestTimeout: true, // without this the SDK only logs a warning
      }),
    });
  }

  async put(name: string, text: string): Promise<void> {
    await this.client.send(new PutObjectCommand(this.objectOf(name, text)));
  }

  async create(name: string, text: string): Promise<boolean> {
    try {
      await this.client.send(new PutObjectCommand({ ...this.objectOf(name, text), IfNoneMatch: '*' }));
      return true;
    } catch (error) {
      if (isRefused(error, 412)) return false;
      throw error;
    }
  }

  async read(name: string): Promise<string | undefined> {
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: this.keyOf(name) }));
      return await Body?.transformToString();
    } catch (error) {
      if (isRefused(error, 404)) return undefined;
      throw error;
    }
  }

  async nextName(after: string): Promise<string | undefined> {
    const { bucket: Bucket, prefix: Prefix } = this;
    const list = { Bucket, Prefix, StartAfter: this.keyOf(after), MaxKeys: 1 };
    const { Contents } = await this.client.send(new ListObjectsV2Command(list));
    return Contents?.[0]?.Key?.slice(Prefix.length);
  }

  private keyOf(name: string): string {
    return `${this.prefix}${name}`;
  }

  private objectOf(name: string, text: string): PutObjectCommandInput {
    return { Bucket: this.bucket, Key: this.keyOf(name), Body: text, ContentType: 'application/x-ndjson' };
  }
}

function isRefused(error: unknown, status: number): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;
}
