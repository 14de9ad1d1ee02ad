/** The content of a file in `models/`: the parts of a botocore service model that describe requests and answers. */
export interface ModelData {
  metadata: { signingName: string };
  operations: Record<string, OperationData>;
  shapes: Record<string, ShapeData>;
}

export interface OperationData {
  name: string;
  http: { method: string; requestUri: string; responseCode: number };
  input?: { shape: string };
  output?: { shape: string };
  errors?: { shape: string }[];
}

export interface ShapeData {
  type: 'structure' | 'list' | 'map' | 'string' | 'integer' | 'float' | 'boolean' | 'timestamp';
  members?: Record<string, MemberData>;
  required?: string[];
  member?: { shape: string };
  key?: { shape: string };
  value?: { shape: string };
  enum?: string[];
  pattern?: string;
  min?: number;
  max?: number;
  union?: boolean;
  sensitive?: boolean;
  exception?: boolean;
  error?: { httpStatusCode: number };
}

export interface MemberData {
  shape: string;
  location?: 'uri' | 'querystring' | 'header';
  locationName?: string;
  default?: unknown;
}
