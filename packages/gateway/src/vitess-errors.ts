/** The RPC codes of an `error` that PlanetScale answers: proto/vtrpc.proto. */
export type VitessCode =
  | 'CANCELED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'

export interface VitessError {
  readonly code: VitessCode
  readonly message: string
}

/** MySQL's numbers by RPC code, as vttablet sorts them: go/vt/vttablet/tabletserver/tabletserver.go, `convertErrorCode`. */
const errnosByCode: readonly (readonly [VitessCode, readonly number[]])[] = [
  ['NOT_FOUND', [1029, 1032, 1054, 1094, 1109, 1122, 1141, 1146, 1147, 1176]],
  ['PERMISSION_DENIED', [1044, 1045, 1095, 1142, 1143, 1211, 1227, 1698]],
  [
    'FAILED_PRECONDITION',
    [
      1046, 1082, 1091, 1099, 1100, 1104, 1148, 1162, 1165, 1169, 1173, 1179, 1207, 1215, 1216, 1217, 1223, 1230, 1241,
      1242,
    ],
  ],
  ['FAILED_PRECONDITION', [1264, 1288, 1289, 1291, 1451, 1452, 1792]],
  ['ALREADY_EXISTS', [1050, 1062, 1086, 1125]],
  ['ABORTED', [1078, 1080, 1152, 1213]],
  ['DEADLINE_EXCEEDED', [1205]],
  ['CANCELED', [1317]],
  ['RESOURCE_EXHAUSTED', [1021, 1037, 1038, 1040, 1041, 1114, 1129, 1135, 1153, 1203, 1226]],
  [
    'INVALID_ARGUMENT',
    [
      1047, 1048, 1049, 1051, 1052, 1055, 1056, 1057, 1058, 1059, 1060, 1061, 1063, 1064, 1065, 1066, 1067, 1068, 1070,
      1071,
    ],
  ],
  ['INVALID_ARGUMENT', [1110, 1111, 1136, 1149, 1222, 1231, 1292, 1305, 1366, 1406, 3140, 3141]],
  ['UNAVAILABLE', [2002, 2003, 2006, 2013]],
]

const codeByErrno: ReadonlyMap<number, VitessCode> = new Map(
  errnosByCode.flatMap(([code, errnos]) => errnos.map((errno) => [errno, code] as const)),
)

export function vitessCodeOf(errno: number): VitessCode {
  return codeByErrno.get(errno) ?? 'UNKNOWN'
}

export interface TabletError {
  readonly database: string
  readonly user: string
  readonly code: VitessCode
  readonly text: string
  readonly errno: number
  readonly sqlState: string
}

/** The message of an error that passed through vtgate and vttablet. The real one goes on with the SQL; this one doesn't. */
export function tabletMessage({ database, user, code, text, errno, sqlState }: TabletError): string {
  return `target: ${database}.-.primary: vttablet: rpc error: code = ${pascal(code)} desc = ${text} (errno ${errno}) (sqlstate ${sqlState}) (CallerID: ${user})`
}

function pascal(code: VitessCode): string {
  return code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')
}
