//! TLS 1.3 between nodes: all have one key pair, made from the token, and each shows it and refuses any other.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Connection, DigitallySignedStruct, DistinguishedName,
    ServerConfig, ServerConnection, SignatureScheme,
};

use crate::LinkError;
use crate::link::wait_for;

/// The key pair that all nodes have, as `docs/transport.md` says.
#[derive(Clone)]
pub struct Identity {
    /// The private key, PKCS #8.
    pub key: Vec<u8>,
    /// The certificate, X.509.
    pub certificate: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

#[derive(Debug)]
pub(crate) struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// Takes one certificate and no other, byte for byte: so nothing else in it is looked at. Whoever shows it must sign with its
/// key.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn check(&self, shown: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if *shown == self.certificate {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn check_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, shown, signature, algorithms)
    }
}

const NO_TLS_12: &str = "TLS 1.3 alone is spoken here";

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(shown).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _shown: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General(NO_TLS_12.to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, shown, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(shown).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _shown: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General(NO_TLS_12.to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, shown, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl Tls {
    pub(crate) fn new(identity: &Identity) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from(identity.certificate.clone());
        let key = || PrivatePkcs8KeyDer::from(identity.key.clone()).into();
        let pinned = Arc::new(Pinned {
            certificate: certificate.clone(),
            provider: Arc::clone(&provider),
        });
        let versions = [&rustls::version::TLS13];
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&pinned) as _)
            .with_client_auth_cert(vec![certificate.clone()], key())?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)?
            .with_client_cert_verifier(pinned)
            .with_single_cert(vec![certificate], key())?;
        // Connections are few and long.
        server.send_tls13_tickets = 0;
        Ok(Self {
            client: Arc::new(client),
            server: Arc::new(server),
        })
    }

    pub(crate) fn dialed(&self, socket: TcpStream, deadline: Instant) -> Result<Secured, LinkError> {
        let name = ServerName::IpAddress(socket.peer_addr()?.ip().into());
        let connection =
            ClientConnection::new(Arc::clone(&self.client), name).map_err(|error| failed(&error))?;
        Secured::new(connection.into(), socket, deadline)
    }

    pub(crate) fn accepted(&self, socket: TcpStream, deadline: Instant) -> Result<Secured, LinkError> {
        let connection = ServerConnection::new(Arc::clone(&self.server)).map_err(|error| failed(&error))?;
        Secured::new(connection.into(), socket, deadline)
    }
}

/// What is wrong with a peer's TLS: most often that it has another token, and so another certificate.
fn failed(error: &rustls::Error) -> LinkError {
    match error {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::AlertReceived(_) => LinkError::Unauthorized,
        _ => LinkError::Protocol("it does not speak TLS 1.3 as this node does"),
    }
}

/// A socket whose bytes are encrypted.
#[derive(Debug)]
pub(crate) struct Secured {
    connection: Connection,
    socket: TcpStream,
}

impl Secured {
    fn new(connection: Connection, socket: TcpStream, deadline: Instant) -> Result<Self, LinkError> {
        let mut secured = Self { connection, socket };
        while secured.connection.is_handshaking() {
            secured.flush()?;
            if secured.connection.is_handshaking() {
                let Self { connection, socket } = &mut secured;
                let mut reader = &*socket;
                wait_for(|| connection.read_tls(&mut reader), deadline, socket)?;
                let processed = connection.process_new_packets();
                if let Err(error) = processed {
                    // The alert that says why.
                    let _ = secured.flush();
                    return Err(failed(&error));
                }
            }
        }
        secured.flush()?;
        Ok(secured)
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if self.connection.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            self.connection.process_new_packets().map_err(io::Error::other)?;
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        self.connection.writer().write(bytes)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::BrokenPipe.into()),
                // Else a caller would take what is left here for sent.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(())
    }
}
