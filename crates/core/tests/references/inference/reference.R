# Makes reference.json from data.json: what R says of each data set. On Debian:
#   apt-get install r-base-core r-cran-sandwich r-cran-brglm2 r-cran-jsonlite
#   Rscript reference.R
# Parameters are the columns in order, then the intercept. What depends on others is NA, here null.
library(sandwich)
library(brglm2)
library(jsonlite)

sets <- fromJSON("data.json")
data(endometrial, package = "brglm2")
sets$endometrial <- list(names = c("NV", "PI", "EH"), x = as.matrix(endometrial[, 1:3]), y = endometrial$HG)
dimnames(sets$endometrial$x) <- NULL
# Small clusters whose two-way covariance has a negative variance.
set.seed(3)
two_way <- list(names = c("x", "z"), x = cbind(round(rnorm(40), 2), round(rnorm(40), 2)))
two_way$y <- as.integer(runif(40) < plogis(0.5 * two_way$x[, 1] - 0.3 * two_way$x[, 2]))
two_way$groups <- sample(4, 40, TRUE)
two_way$others <- sample(5, 40, TRUE)
sets$two_way <- two_way
write_json(sets[c("endometrial", "two_way")], "from_r.json", digits = NA)

# Rows of weight 0 take part in nothing, but glm and sandwich do not agree on that.
sets$weighted <- with(sets$weighted, {
  counts <- weights > 0
  list(names = names, x = x[counts, ], y = y[counts], weights = weights[counts], offsets = offsets[counts],
    groups = groups[counts], others = others[counts])
})

# A glm's covariance is that of the step before its last, so it starts again where it ended. Its rank
# tolerance is epsilon / 1000, so epsilon is not tiny.
fitted_glm <- function(set, columns = seq_len(ncol(set$x))) {
  frame <- data.frame(set$x[, columns, drop = FALSE])
  if (length(columns) == 0) frame <- data.frame(row.names = seq_along(set$y))
  frame$y <- set$y
  frame$weights <- if (is.null(set$weights)) 1 else set$weights
  frame$offset <- if (is.null(set$offsets)) 0 else set$offsets
  control <- glm.control(epsilon = 1e-10, maxit = 100)
  fit <- glm(y ~ . - weights - offset, binomial, frame, weights = weights, offset = offset, control = control)
  for (k in 1:2) {
    start <- coef(fit)
    start[is.na(start)] <- 0
    fit <- update(fit, start = start, data = frame)
  }
  fit
}

last <- function(values) c(values[-1], values[1])
square <- function(matrix) {
  order <- last(seq_len(nrow(matrix)))
  unname(matrix[order, order])
}

# The log-likelihood is a sum over rows by their weights, which logLik of a binomial glm rounds.
log_likelihood <- function(fit) -deviance(fit) / 2

profile_end <- function(set, fit, column, side) {
  frame <- data.frame(set$x[, -column, drop = FALSE])
  frame$y <- set$y
  frame$weights <- if (is.null(set$weights)) 1 else set$weights
  base <- if (is.null(set$offsets)) 0 else set$offsets
  at <- function(b) {
    frame$moved <- base + b * set$x[, column]
    restricted <- suppressWarnings(glm(y ~ . - weights - moved, binomial, frame, weights = weights,
      offset = moved, control = glm.control(epsilon = 1e-14, maxit = 200)))
    deviance(restricted) - deviance(fit) - qchisq(0.95, 1)
  }
  from <- unname(coef(fit)[column + 1])
  step <- sqrt(vcov(fit)[column + 1, column + 1])
  far <- from + side * step
  while (at(far) < 0) far <- far + side * step
  uniroot(at, sort(c(from, far)), tol = 1e-13)$root
}

reference <- function(name) {
  set <- sets[[name]]
  fit <- fitted_glm(set)
  k <- fit$rank
  n <- if (is.null(set$weights)) length(set$y) else sum(set$weights)
  null <- glm(set$y ~ 1, binomial, weights = set$weights, offset = set$offsets,
    control = glm.control(epsilon = 1e-14, maxit = 100))
  ll <- log_likelihood(fit)
  ll0 <- log_likelihood(null)
  cox_snell <- 1 - exp(2 * (ll0 - ll) / n)
  table <- coef(summary(fit))
  out <- list(
    coefficients = unname(last(coef(fit))),
    covariance = square(vcov(fit)),
    z = unname(last(coef(fit) / sqrt(diag(vcov(fit))))),
    p = unname(last(2 * pnorm(-abs(coef(fit) / sqrt(diag(vcov(fit))))))),
    intervals = square_rows(confint.default(fit)),
    log_likelihood = ll, null_log_likelihood = ll0, deviance = deviance(fit), null_deviance = deviance(null),
    lr = 2 * (ll - ll0), lr_p = pchisq(2 * (ll - ll0), k - 1, lower.tail = FALSE),
    aic = -2 * ll + 2 * k, aicc = -2 * ll + 2 * k + 2 * k * (k + 1) / (n - k - 1), bic = -2 * ll + k * log(n),
    mcfadden = 1 - ll / ll0, cox_snell = cox_snell, nagelkerke = cox_snell / (1 - exp(2 * ll0 / n))
  )
  if (any(is.na(coef(fit)))) return(out)
  out <- c(out, restricted(set, fit, k))
  out$hc <- lapply(c(HC0 = "HC0", HC1 = "HC1", HC2 = "HC2", HC3 = "HC3"), function(type) square(vcovHC(fit, type)))
  if (!is.null(set$groups)) out$clusters <- clusters(set, fit)
  if (name %in% c("spector", "weighted", "fair"))
    out$profile <- t(sapply(seq_len(ncol(set$x)), function(j) c(profile_end(set, fit, j, -1), profile_end(set, fit, j, 1))))
  if (name %in% c("spector", "weighted")) out$rows <- rows(fit)
  out
}

square_rows <- function(matrix) unname(matrix[last(seq_len(nrow(matrix))), ])

# The last two columns together: Wald's, the likelihood-ratio and Rao's test that both are 0.
restricted <- function(set, fit, k) {
  d <- ncol(set$x)
  if (d < 3) return(list())
  small <- fitted_glm(set, seq_len(d - 2))
  tested <- c(d, d + 1)
  wald <- drop(coef(fit)[tested] %*% solve(vcov(fit)[tested, tested], coef(fit)[tested]))
  lr <- deviance(small) - deviance(fit)
  x <- model.matrix(fit)
  p <- fitted(small)
  w <- small$prior.weights
  score <- drop(crossprod(x, w * (set$y - p)))
  rao <- drop(score %*% solve(crossprod(x, x * (w * p * (1 - p))), score))
  contrast <- c(1, -2, rep(0, d - 2), 0.5)
  full <- square(vcov(fit))
  value <- drop(contrast %*% last(coef(fit)))
  list(wald = wald, wald_p = pchisq(wald, 2, lower.tail = FALSE), nested_lr = lr, score = rao,
    contrast = list(value = value, error = sqrt(drop(contrast %*% full %*% contrast))))
}

clusters <- function(set, fit) {
  by <- data.frame(groups = set$groups)
  if (!is.null(set$others)) by$others <- set$others
  both <- function(...) square(vcovCL(fit, ...))
  out <- list(cr0 = both(cluster = by["groups"], type = "HC0", cadjust = FALSE),
    clusters = both(cluster = by["groups"], type = "HC0", cadjust = TRUE),
    small = both(cluster = by["groups"], type = "HC1", cadjust = TRUE))
  if (!is.null(set$others)) {
    out$two_cr0 <- both(cluster = by, type = "HC0", cadjust = FALSE)
    out$two_clusters <- both(cluster = by, type = "HC0", cadjust = TRUE)
    out$two_small <- both(cluster = by, type = "HC1", cadjust = TRUE)
    out$two_repaired <- square(vcovCL(fit, cluster = by, type = "HC0", cadjust = FALSE, fix = TRUE))
  }
  out
}

rows <- function(fit) list(
  leverage = unname(hatvalues(fit)), pearson = unname(residuals(fit, "pearson")),
  deviance = unname(residuals(fit, "deviance")), standardized_pearson = unname(rstandard(fit, type = "pearson")),
  studentized = unname(rstudent(fit)), cook = unname(cooks.distance(fit)),
  logit_error = unname(predict(fit, se.fit = TRUE)$se.fit)
)

firth <- function(name) {
  set <- sets[[name]]
  frame <- data.frame(set$x)
  frame$y <- set$y
  frame$weights <- if (is.null(set$weights)) 1 else set$weights
  frame$offset <- if (is.null(set$offsets)) 0 else set$offsets
  fit <- glm(y ~ . - weights - offset, binomial, frame, weights = weights, offset = offset,
    method = "brglmFit", type = "AS_mean", epsilon = 1e-12, maxit = 1000)
  list(coefficients = unname(last(coef(fit))), covariance = square(vcov(fit)))
}

small <- c("spector", "fair", "anes96", "breast_cancer", "sparse", "weighted", "dependent", "two_way")
out <- sapply(small, reference, simplify = FALSE)
for (name in c("endometrial", "spector", "weighted", "breast_cancer"))
  out[[name]]$firth <- firth(name)
out$version <- paste("R", getRversion(), "sandwich", packageVersion("sandwich"), "brglm2", packageVersion("brglm2"))
write_json(out, "reference.json", digits = NA, auto_unbox = TRUE, na = "null")
