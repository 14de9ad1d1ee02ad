import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { DestinationConfiguration } from '../chat/types.ts';
import { parseArn } from '../arns.ts';
import { iso } from '../clock.ts';

const VERSION = '1.0';

/** The file that takes the records of a room for one destination. */
export interface LogFile {
  /** Equal for all records that belong into the same file. */
  key: string;
  /** `object`: written once and compressed, as in S3. `stream`: grows with each record. */
  kind: 'object' | 'stream';
  /** The path below the folder of all logs, for records of this time. */
  path: (now: number) => string;
}

/**
 * The file for the records of a room. The folders `s3`, `cloudwatch` and `firehose` hold paths with the names that AWS
 * uses. The name of a bucket is unique in all of AWS. The other names are unique in one account and Region.
 */
export function logFileOf(roomArn: string, destination: DestinationConfiguration): LogFile {
  const { account = '', region = '', id = '' } = parseArn(roomArn) ?? {};
  const { s3, cloudWatchLogs, firehose } = destination;
  if (s3) {
    const folder = path.join('s3', folderName(s3.bucketName));
    return {
      key: `${folder} ${roomArn}`,
      kind: 'object',
      path: (now) => path.join(folder, objectKey({ account, region, id, now })),
    };
  }
  const folder = cloudWatchLogs
    ? path.join(
        'cloudwatch',
        account,
        region,
        ...cloudWatchLogs.logGroupName.split('/').filter(Boolean).map(folderName),
      )
    : path.join('firehose', account, region, folderName(firehose?.deliveryStreamName ?? ''));
  const file = cloudWatchLogs
    ? path.join(folder, 'aws', 'IVSChatLogs', VERSION, `room_${id}.log`)
    : path.join(folder, 'records.log');
  return { key: file, kind: 'stream', path: () => file };
}

/**
 * `AWSLogs/<account>/IVSChatLogs/1.0/<region>/room_<id>/<year>/<month>/<day>/<hour>/…_<time>_<hash>.log.gz` (AWS docs).
 */
function objectKey(of: { account: string; region: string; id: string; now: number }): string {
  const { account, region, id, now } = of;
  const [year = '', month = '', day = '', hour = '', minute = ''] = iso(now).split(/[-T:]/);
  const name = `${account}_IVSChatLogs_${VERSION}_${region}_room_${id}_${year}${month}${day}T${hour}${minute}Z`;
  const object = `${name}_${randomBytes(4).toString('hex')}.log.gz`;
  return path.join('AWSLogs', account, 'IVSChatLogs', VERSION, region, `room_${id}`, year, month, day, hour, object);
}

/** Escapes names of dots. The model allows the name `..`, and such a name would lead out of the folder. */
function folderName(name: string): string {
  return /^\.+$/.test(name) ? name.replaceAll('.', '%2E') : name;
}
