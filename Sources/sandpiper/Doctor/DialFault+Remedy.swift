import CLinux
import Dialing

/// What a person can do about a way that does not come about.
extension DialFault {
  /// The step that has failed.
  var step: Words {
    switch self {
    case .nameNotResolved, .timedOut(.name): "name"
    case .connectFailed, .timedOut(.connect): "TCP"
    case .proxy, .timedOut(.proxy): "proxy"
    case .tls, .timedOut(.tls): "TLS"
    case .upgradeFailed, .webSocket, .timedOut(.webSocket): "WebSocket"
    case .closedByPeer, .broken: "connection"
    }
  }

  /// What to do. `host` is whose name is resolved, `place` the broker's host and port.
  func remedy(host: Words, place: Words) -> Words {
    switch self {
    case .nameNotResolved, .proxy(.nameNotResolved):
      "try `getent hosts \(host)`: is the name right, and does a server of /etc/resolv.conf answer?"
    case .timedOut(.name):
      "no name server answers: see /etc/resolv.conf, and whether the network is up"
    case .connectFailed(ECONNREFUSED), .connectFailed(ENOENT):
      "nobody listens there: is the broker running, and is \(place) where it listens?"
    case .connectFailed(ENETUNREACH), .connectFailed(EHOSTUNREACH):
      "there is no way there: see `ip route`, and whether the network is up"
    case .connectFailed(EACCES): "let this user have the broker's socket: see its group and mode"
    case .connectFailed, .timedOut(.connect):
      "nobody has that address, or a firewall is in between: try `ping \(host)`, and see the port"
    case .proxy(.login): "see the user in broker.proxy, and broker.proxyPasswordFile"
    case .proxy, .timedOut(.proxy):
      "see broker.proxy, and whether the proxy lets this board to \(place)"
    case .tls(let fault): fault.remedy(place)
    case .timedOut(.tls): "is \(place) the port for TLS?"
    case .upgradeFailed, .webSocket, .timedOut(.webSocket):
      "see the URL's port and path: does a WebSocket listener of the broker answer there?"
    case .closedByPeer, .broken:
      "see the broker's log: \(place) may be the port of another protocol"
    }
  }
}

extension TLSFault {
  fileprivate func remedy(_ place: Words) -> Words {
    switch self {
    case .expired, .revoked, .certificateWeak, .wrongPurpose:
      "give the broker a new certificate (Mosquitto: certfile), unless `date` shows a wrong time"
    case .notYetValid: "set the clock: see `date` and `timedatectl`"
    case .unknownAuthority, .selfSigned, .selfSignedAuthority:
      """
      name the file of the authority that signed it in broker.tls.ca; `openssl s_client -connect \(place) \
      -showcerts` shows who that is
      """
    case .hostMismatch:
      "name the broker in its URL as its certificate does, or that name in broker.tls.host"
    case .libraryMissing: "sudo apt install libssl3"
    case .trustStoreMissing: "sudo apt install ca-certificates, or name a file in broker.tls.ca"
    case .notTLS, .closedInHandshake: "is \(place) the broker's port for TLS (8883, mostly)?"
    case .certificateRequired: "name this device's certificate in broker.tls.cert, and its key"
    default:
      if let setting { "see broker.tls.\(setting.key)" } else { "see the broker's log" }
    }
  }
}

extension TLSSetting {
  /// Its key in the profile.
  fileprivate var key: Words {
    switch self {
    case .host: "host"
    case .authorityFile: "ca"
    case .authorityFolder: "caFolder"
    case .certificateFile: "cert"
    case .key: "key"
    case .passphraseFile: "keyPassphraseFile"
    case .revocationFile: "crl"
    case .alpn: "alpn"
    }
  }
}
