//! Agreeing: the signature is written down, then the gate opens.

use schoolgate_base::PersonId;
use schoolgate_records::Signature;

use crate::control::{Again, Control};
use crate::error::ControlError;

/// What a person agreed to, exactly as it was shown. The time is the clock's.
#[derive(Debug, Clone)]
pub struct Signing {
    pub person: PersonId,
    pub policy: schoolgate_base::PolicyId,
    pub version: Box<str>,
    /// Anchors of the clauses that were shown.
    pub clauses: Vec<Box<str>>,
    /// Of the exact text shown, lower-case hex.
    pub rendering_sha256: Box<str>,
    /// What was shown as changed since the person's last agreement.
    pub difference: Option<String>,
    pub language: Box<str>,
    pub address: Box<str>,
    pub browser: Box<str>,
}

impl Control {
    /// Writes a signature down and opens the gate. When this returns, the doors of this process know.
    pub async fn sign(&self, signing: Signing) -> Result<(), ControlError> {
        let mut write = self.begin(&signing.person).await?;
        let signature = Signature {
            person: signing.person,
            policy: signing.policy,
            version: signing.version,
            clauses: signing.clauses,
            rendering_sha256: signing.rendering_sha256,
            difference: signing.difference,
            language: signing.language,
            at: self.now(),
            address: signing.address,
            browser: signing.browser,
        };
        write.signature_add(&signature).await?;
        write.commit().await?;
        self.publish(Again::People).await
    }
}
