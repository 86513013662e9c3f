#!/usr/bin/env bash
# The bucket, and who may do what in it: Workload Identity Federation for GKE, with the Kubernetes service accounts as
# principals. There is no Google service account and no key.
#
#   PROJECT=my-project BUCKET=my-bucket REGION=europe-west4 ./iam.sh
set -euo pipefail
: "${PROJECT:?the Google Cloud project}" "${BUCKET:?the bucket, without gs://}" "${REGION:?the region of the cluster}"
NAMESPACE=${NAMESPACE:-intclass}

number=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')
pool=projects/$number/locations/global/workloadIdentityPools/$PROJECT.svc.id.goog

gcloud storage buckets describe "gs://$BUCKET" >/dev/null 2>&1 || gcloud storage buckets create "gs://$BUCKET" \
    --project="$PROJECT" --location="$REGION" --uniform-bucket-level-access --public-access-prevention
# Nothing that a dataset, a model or Kubeflow's cache refers to ever expires: only tmp/ and overwritten versions do.
gcloud storage buckets update "gs://$BUCKET" --versioning \
    --lifecycle-file="$(dirname "$0")/bucket-lifecycle.json"

grant() { # service account, role
    gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" --role="$2" \
        --member="principal://iam.googleapis.com/$pool/subject/ns/$NAMESPACE/sa/$1" >/dev/null
}
grant pipeline-runner roles/storage.objectUser
grant intclass-cpu roles/storage.objectUser
grant intclass-train roles/storage.objectUser
grant intclass-serve roles/storage.objectViewer
# Kubeflow's own server and pages show artifacts. They live in its namespace.
NAMESPACE=kubeflow
for account in ml-pipeline ml-pipeline-ui; do grant "$account" roles/storage.objectViewer; done
echo "gs://$BUCKET is ready; check it with: intclass doctor --bucket gs://$BUCKET"
