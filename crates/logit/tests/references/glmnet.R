# Makes glmnet.json: elastic nets by glmnet on the breast cancer data. On Debian:
#   apt-get install r-cran-glmnet r-cran-jsonlite
#   Rscript glmnet.R
# glmnet's `lambda` follows its `alpha`: l1 = alpha * lambda, l2 = (1 - alpha) * lambda, on columns
# divided by their standard deviations (by n), of weighted columns where there are weights.
library(glmnet)
library(jsonlite)

data <- read.csv("../../data/breast_cancer.csv")
x <- as.matrix(data[, -ncol(data)])
y <- as.integer(data[, ncol(data)] == "benign")

# Rows that count 0 to 3 times.
uneven <- (seq_len(nrow(x)) - 1) %% 4

fit <- function(alpha, lambda, standardize, intercept = TRUE, weighted = FALSE) {
  # A path from above, as glmnet's documentation advises, down to the strength wanted.
  path <- exp(seq(log(10 * lambda), log(lambda), length.out = 20))
  path[length(path)] <- lambda
  weights <- if (weighted) uneven else rep(1, nrow(x))
  net <- glmnet(x, y, family = "binomial", alpha = alpha, lambda = path, weights = weights,
                standardize = standardize, intercept = intercept, thresh = 1e-16, maxit = 1e8)
  b <- as.matrix(coef(net))[, length(path)]
  list(alpha = alpha, lambda = lambda, standardize = standardize,
       fit_intercept = intercept, weighted = weighted,
       intercept = unname(b[1]), weights = unname(b[-1]))
}

nets <- list(
  fit(1, 0.1, TRUE), fit(1, 0.01, TRUE), fit(0.5, 0.02, TRUE),
  fit(0.2, 0.005, TRUE), fit(0, 0.1, TRUE), fit(1, 0.05, FALSE),
  fit(1, 0.02, TRUE, intercept = FALSE), fit(0.2, 0.05, TRUE, intercept = FALSE),
  fit(1, 0.01, TRUE, weighted = TRUE), fit(0, 0.1, TRUE, weighted = TRUE),
  fit(0.5, 0.05, TRUE, intercept = FALSE, weighted = TRUE)
)
version <- paste("R", getRversion(), "glmnet", packageVersion("glmnet"))
write_json(list(version = version, nets = nets), "glmnet.json", digits = NA, auto_unbox = TRUE)
