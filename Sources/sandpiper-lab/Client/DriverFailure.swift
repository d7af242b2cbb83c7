/// Why a command is answered "err": the protocol's words, and a number for each.
enum DriverFailure: Int, Error {
  case invalid = 1
  case noConnection = 2
  case queueFull = 3
  case oversize = 4
  case qosNotSupported = 5
  case retainNotSupported = 6
  case tls = 7
  case unknownCommand = 9
  case noClient = 10
  case wildcardsNotSupported = 11
  case sharedNotSupported = 12
  case identifiersNotSupported = 13
  case notWaiting = 14
  case busy = 15

  var slug: StaticString {
    switch self {
    case .invalid: "invalid"
    case .noConnection: "no-conn"
    case .queueFull: "queue-full"
    case .oversize: "oversize"
    case .qosNotSupported: "qos-not-supported"
    case .retainNotSupported: "retain-not-supported"
    case .tls: "tls"
    case .unknownCommand: "unknown-command"
    case .noClient: "no-client"
    case .wildcardsNotSupported: "wildcard-not-supported"
    case .sharedNotSupported: "shared-not-supported"
    case .identifiersNotSupported: "subscription-identifier-not-supported"
    case .notWaiting: "not-waiting"
    case .busy: "busy"
    }
  }
}
